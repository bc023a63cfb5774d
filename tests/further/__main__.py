"""The `loyalty` command of that deployment."""

from api.cli import main
from tests.further import enter

enter()
main()
