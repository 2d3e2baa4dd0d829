"""Postal's signatures, against what OpenSSL made."""

from __future__ import annotations

import base64

import pytest

from delivery.signatures import PublicKey
from tests.fakes import postal_key

# printf hello | openssl dgst -sha1 -sign key.pem
HELLO = base64.b64decode(
    "THfHzRbrpakJFtqWxVaR5ZiOFzoZ77AFg6TAOqZbNm6d1SVz2DAmgjc9/fWeQ4ZTKiOleY6FcRfsvjFduwxdLNB+HJJ7ccCwZQZorcg7pzH50OCw"
    "Nct7fmjJNpG09sMwAx2G32Z7SC7KjYZToUcBbs/EBZomPLIuAMO1Wr1+EBE="
)
PEM = f"-----BEGIN PUBLIC KEY-----\n{postal_key.KEY[:64]}\n{postal_key.KEY[64:]}\n-----END PUBLIC KEY-----\n"
DER = base64.b64decode(postal_key.KEY)


@pytest.mark.parametrize("text", [postal_key.KEY, PEM, f" {postal_key.KEY}\n"])
def test_key_is_read_as_a_dkim_record_or_a_file_has_it(text: str) -> None:
    assert PublicKey.read(text) == PublicKey(postal_key.MODULUS, 65537)


def test_signature_of_openssl_fits_its_text_alone() -> None:
    key = PublicKey.read(postal_key.KEY)

    assert key.fits(HELLO, text=b"hello")
    assert not key.fits(HELLO, text=b"hello ")


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        HELLO[:-1],
        b"\x00" + HELLO,
        HELLO[:-1] + bytes([HELLO[-1] ^ 1]),
        bytes(128),
        b"\x00" * 127 + b"\x01",
        b"\xff" * 128,
        (postal_key.MODULUS + int.from_bytes(HELLO)).to_bytes(129),
    ],
)
def test_other_signature_does_not_fit(signature: bytes) -> None:
    assert not PublicKey.read(postal_key.KEY).fits(signature, text=b"hello")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "courant:a-password-of-thirty-two-letters",
        postal_key.KEY[:-8],
        base64.b64encode(DER[:40]).decode(),
        base64.b64encode(DER[22:]).decode(),
        base64.b64encode(b"\x30\x03\x30\x00\x03").decode(),
        base64.b64encode(b"\x30\x84\xff\xff\xff\xff").decode(),
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"key|base64|padding|Only|Incorrect"):
        PublicKey.read(text)


def test_key_that_is_too_short_or_signs_nothing_is_refused() -> None:
    algorithm = long(b"\x30", b"\x06\x00")
    short = sequence(algorithm, b"\x03", integer(postal_key.MODULUS >> 600), integer(65537))
    idle = sequence(algorithm, b"\x03", integer(postal_key.MODULUS), integer(1))

    for der in (short, idle):
        with pytest.raises(ValueError, match="too weak"):
            PublicKey.read(base64.b64encode(der).decode())


def integer(number: int) -> bytes:
    return long(b"\x02", number.to_bytes(number.bit_length() // 8 + 1))


def sequence(algorithm: bytes, kind: bytes, *numbers: bytes) -> bytes:
    pair = long(b"\x30", b"".join(numbers))
    return long(b"\x30", algorithm + long(kind, b"\x00" + pair))


def long(kind: bytes, content: bytes) -> bytes:
    return kind + b"\x82" + len(content).to_bytes(2) + content
