"""RSA signatures, as Postal puts them under what it posts (RFC 8017 8.2.2, RSASSA-PKCS1-v1_5).

Only whether one fits, by a public key: nothing here is secret. What it must look like is made and compared as a whole,
so there is nothing in a signature that could be read wrongly. Anymail would want a package for it that compiles.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from hmac import compare_digest

SEQUENCE, INTEGER, BITS = 0x30, 0x02, 0x03  # ITU-T X.690
SHA1 = bytes.fromhex("3021300906052b0e03021a05000414")  # RFC 8017 9.2, note 1
SHORTEST = 1024  # bits


@dataclass(frozen=True, slots=True)
class PublicKey:
    modulus: int
    exponent: int

    @classmethod
    def read(cls, text: str) -> PublicKey:
        """As it stands in a DKIM record behind `p=`, or in a PEM file (RFC 5280 4.1.2.7). Raises ValueError."""
        lines = (line.strip() for line in text.splitlines() if "-----" not in line)
        try:
            info, _ = _part(base64.b64decode("".join(lines), validate=True), SEQUENCE)
            _, after = _part(info, SEQUENCE)  # which algorithm: of another one, the rest does not fit
            bits, _ = _part(after, BITS)
            pair, _ = _part(bits[1:], SEQUENCE)
            modulus, after = _part(pair, INTEGER)
            exponent, _ = _part(after, INTEGER)
        except IndexError as error:
            raise ValueError("This is no public key.") from error
        key = cls(int.from_bytes(modulus), int.from_bytes(exponent))
        if key.modulus.bit_length() < SHORTEST or key.exponent < 3:
            raise ValueError("This key is too weak.")
        return key

    def fits(self, signature: bytes, *, text: bytes) -> bool:
        """Whether the holder of the other key signed this text with SHA-1, which is all that each Postal can."""
        size = (self.modulus.bit_length() + 7) // 8
        number = int.from_bytes(signature)
        if len(signature) != size or number >= self.modulus:
            return False
        said = SHA1 + hashlib.sha1(text).digest()  # noqa: S324 -- theirs; to forge it takes more than a collision
        expected = b"\x00\x01" + b"\xff" * (size - len(said) - 3) + b"\x00" + said
        return compare_digest(pow(number, self.exponent, self.modulus).to_bytes(size), expected)


def _part(data: bytes, kind: int) -> tuple[bytes, bytes]:
    """The first part, which must be of that kind, and what comes after it."""
    if data[0] != kind:
        raise ValueError("This is no public key.")
    length, begin = data[1], 2
    if length & 0x80:
        begin += length & 0x7F
        length = int.from_bytes(data[2:begin])
    if len(data) < begin + length:
        raise ValueError("This is no public key.")
    return data[begin : begin + length], data[begin + length :]
