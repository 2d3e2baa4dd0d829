"""One person, one address: how an address is read, compared, and shown without giving it away."""

from __future__ import annotations

from email_validator import EmailNotValidError, EmailSyntaxError, validate_email

LONGEST_INPUT = 320  # characters; RFC 3696 erratum 1690 allows an address 254


class InvalidAddress(ValueError):
    """The text is not an address that a mail provider would take. The message is for the person who typed it."""


class ForeignLetters(InvalidAddress):
    """Letters before the @ that only some mail servers take (RFC 6531, SMTPUTF8); providers refuse them on the way."""

    def __init__(self, letter: str) -> None:
        super().__init__(f"Most mail servers do not take “{letter}” before the @ yet.")
        self.letter = letter


def canonical(text: str) -> str:
    """The one spelling under which an address is stored and compared: lower case, NFC, domain as A-label.

    Lower-casing the local part is not in RFC 5321, but no provider in use tells Ada@ from ada@, and one person must
    not be two readers. Raises InvalidAddress. Looks nothing up.
    """
    text = text.strip()
    if len(text) > LONGEST_INPUT:
        raise InvalidAddress("This is too long for an address.")
    try:
        result = validate_email(
            text, check_deliverability=False, allow_smtputf8=True, allow_quoted_local=False
        )
    except (EmailSyntaxError, EmailNotValidError) as error:
        raise InvalidAddress(str(error)) from error
    except UnicodeError as error:  # idna on hostile labels
        raise InvalidAddress("The part after the @ is not a valid domain.") from error
    if not result.local_part.isascii():
        raise ForeignLetters(next(letter for letter in result.local_part if not letter.isascii()))
    email = f"{result.local_part}@{result.ascii_domain}".lower()
    if len(email) > 254:
        raise InvalidAddress("This is too long for an address.")
    return email


def masked(email: str) -> str:
    """`zo…@e….com`: enough for its owner to recognise, not enough for whom the mail was forwarded to."""
    local, _, domain = email.partition("@")
    host, _, ending = domain.rpartition(".")
    shown = local[:2] if len(local) > 3 else local[:1]
    return f"{shown}…@{host[:1]}….{ending}"
