"""Reading what a browser sends: too much of it is not written down, only listened to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.files.uploadhandler import FileUploadHandler
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

# Besides the file: the form around it.
AROUND = 64 * 1024
# A browser hears an answer only when it was listened to up to its last byte; beyond this it is cut off.
MOST_LISTENED_TO = 200 * 1024 * 1024
PIECE = 1024 * 1024


class AtMost(FileUploadHandler):
    """Put before the others. A request that is larger than so many bytes comes without fields and files."""

    def __init__(self, request: Any, *, size: int) -> None:
        super().__init__(request)
        self._size = size
        self.is_too_much = False

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803  # Django's name for it
        content_length: int,
        boundary: str,
        encoding: Any = None,
    ) -> Any:
        if content_length <= self._size + AROUND:
            return None
        self.is_too_much = True
        left = content_length if content_length <= MOST_LISTENED_TO else 0
        while left > 0 and (piece := input_data.read(min(left, PIECE))):
            left -= len(piece)
        return QueryDict(), MultiValueDict()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> UploadedFile[Any] | None:
        return None
