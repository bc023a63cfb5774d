"""The `loyalty` command of that deployment."""

from api.command_line import main
from tests.further import enter

enter()
main()
