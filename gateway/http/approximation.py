"""Why an answer is not exact, in a header: bodies of vendors' shapes have no place for it."""

from collections.abc import Iterable

from starlette.responses import Response

from models.result import Reason

APPROXIMATE = "x-tallyway-approximate"


def say_why(response: Response, reasons: Iterable[Reason]) -> Response:
    """The response with the codes of the reasons, each once; without any as it was."""
    if codes := dict.fromkeys(reason.code for reason in reasons):
        response.headers[APPROXIMATE] = ", ".join(codes)
    return response
