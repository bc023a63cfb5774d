"""The pages that are not about one webhook, in reading order. Each has a template of its name."""

from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from api.portal.highlighting import colour_code

SNIPPET_FOLDER = Path(__file__).parent / "snippets"


@dataclass(frozen=True, slots=True)
class Guide:
    slug: str
    title: str
    summary: str


GUIDES = (
    Guide("start", "Receive your first webhook", "From nothing to a verified request on your own server."),
    Guide("formats", "Envelope, headers and formats", "What surrounds the data: new, legacy, CloudEvents."),
    Guide("verify", "Verify signatures", "Code for Python, Node.js, Go, Java and PHP; changing secrets."),
    Guide("answer", "What to answer", "What each status means, and how long you have."),
    Guide("retries", "Retries", "When a request is sent again, and when it is given up."),
    Guide("order", "Duplicates and order", "Why a webhook may come twice, and what comes in order."),
    Guide("replay", "Replay and recovery", "How to get what you missed, and why something did not come."),
    Guide(
        "addresses", "Where requests come from", "Addresses to allow, and addresses that cannot be reached."
    ),
    Guide("fields", "All fields", "Every field from A to Z, with the webhooks that have it."),
    Guide("downloads", "Downloads", "AsyncAPI, OpenAPI, a Postman collection, JSON Schemas, code."),
)


@dataclass(frozen=True, slots=True)
class Snippet:
    """A file that verifies signatures in one language."""

    language: str
    file: str
    hash_comments: bool = False

    @property
    def text(self) -> str:
        return (SNIPPET_FOLDER / self.file).read_text()

    @property
    def markup(self) -> Markup:
        return colour_code(self.text, hash_comments=self.hash_comments)


SNIPPETS = (
    Snippet("Python", "verify.py", hash_comments=True),
    Snippet("Node.js", "verify.mjs"),
    Snippet("Go", "verify.go"),
    Snippet("Java", "WebhookVerifier.java"),
    Snippet("PHP", "verify.php"),
)
