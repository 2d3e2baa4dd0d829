"""Of an installation of Postal that there is not: its public key, as it stands in a DKIM record, and the other."""

from __future__ import annotations

import base64
import hashlib

KEY = (
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDMXkZz3HQ7EATXdjNj53T1pzwjykSdHsiBVIa7A2mPawtiIsHimxhkiNMSRXE5O6pqDoa+"
    "YCLrCRdCVfhW/PBKJln12Nf0JeKnUN2Z2tqBBDATRYO0DstwXs0SE1OjMtl/yRRIZtAGcToDj66F4rHJ5/ZU4KlArnaaM2DsTgSERwIDAQAB"
)
MODULUS = int.from_bytes(base64.b64decode(KEY)[29:157])
EXPONENT = int(
    "2136b526814e9686bcf2b37018ad7631b25330d1dfa2d56ceaafed1199b55f2c9b7600861828f2a6ec21b9977596429f288b61d4b0d51b"
    "f3a7470da7c5a367fdaa6428612b3d336da1f2eb7beba758118c0974ad8c90b1f6ac5a84c4e2c28a541f6eab404b0e8f0c8fca8eb1a672"
    "58667462e1cf40b6521c65d233beb52e8da9",
    16,
)


def signature(text: bytes) -> bytes:
    """RSA with SHA-1, as OpenSSL makes it."""
    said = bytes.fromhex("3021300906052b0e03021a05000414") + hashlib.sha1(text).digest()  # noqa: S324
    padded = b"\x00\x01" + b"\xff" * (128 - 3 - len(said)) + b"\x00" + said
    return pow(int.from_bytes(padded), EXPONENT, MODULUS).to_bytes(128)
