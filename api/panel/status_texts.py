"""What records say, in the words of people who run a programme. Pure."""

from collections.abc import Mapping

from streams.delivery.records import ErrorClass, Outcome

STATUS_TEXTS: Mapping[str, str] = {
    "pending": "waits for its turn, or for its webhook to be active",
    "retrying": "failed, and will be tried again",
    "delivered": "arrived",
    "dead": "given up",
}
OUTCOME_TEXTS: Mapping[Outcome, str] = {
    "delivered": "Arrived",
    "retry": "Failed, to be tried again",
    "held": "Kept until the webhook is active again",
    "dead": "Failed, and given up",
}
ERROR_CLASS_TEXTS: Mapping[ErrorClass, str] = {
    "before sending": "The endpoint has seen nothing of it.",
    "after sending": "The endpoint may have seen it.",
    "their answer": "The endpoint has seen it, and refused.",
}
HTTP_STATUS_TEXTS: Mapping[int, str] = {
    400: "the endpoint finds the request wrong",
    401: "the endpoint wants to know who sends: check the headers and the sign-in",
    403: "the endpoint does not let us in",
    404: "there is nothing at that address: check the URL",
    405: "the address takes no POST: check the URL",
    408: "the endpoint did not get it in time",
    410: "the endpoint says that it is gone for good",
    413: "the endpoint finds the body too large",
    429: "the endpoint gets too many requests: lower its rate",
    500: "the endpoint broke while it worked on it",
    502: "what stands before the endpoint cannot reach it",
    503: "the endpoint is not available at present",
    504: "the endpoint took too long",
}


def describe_answer(status: int | None, error: str | None) -> str:
    """Describes the answer to a request in words that fit into a sentence."""
    if status is None:
        return strip_error_class(error) if error else "no answer"
    if status in HTTP_STATUS_TEXTS:
        return f"{status}: {HTTP_STATUS_TEXTS[status]}"
    return f"{status}: {_kind(status)}"


def _kind(status: int) -> str:
    if 200 <= status < 300:
        return "taken"
    if 300 <= status < 400:
        return "the endpoint points elsewhere, which is not followed: give the final URL"
    return "the endpoint refuses it" if status < 500 else "the endpoint has a problem of its own"


def strip_error_class(error: str) -> str:
    """The error without what says when it came, which is told apart."""
    head, _, rest = error.partition(": ")
    return rest if head in ERROR_CLASS_TEXTS and rest else error


def format_span(seconds: int) -> str:
    """About how long that is."""
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            many = round(seconds / size)
            return f"about {many} {name}{'' if many == 1 else 's'}"
    return "a moment" if seconds < 5 else f"{seconds} seconds"


def format_duration(milliseconds: int) -> str:
    return f"{milliseconds}\u00a0ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f}\u00a0s"
