"""`loyalty secret-key`: the key that seals secrets."""

from api.cli.lines import say


def new_key() -> None:
    """Make a key that seals secrets. Whoever has it can read them: keep it where passwords are kept."""
    from api.cli.failures import print_note
    from streams.secrets import sealing
    from streams.settings import variable_name

    name = variable_name("secret_key")
    say(sealing.new_key())
    print_note(
        f"Start the API and the sink with {name} set to it: export {name}=$(loyalty secret-key)\n"
        "To change keys, put the new one before the old one, with a comma between: "
        "the first seals, any opens."
    )
