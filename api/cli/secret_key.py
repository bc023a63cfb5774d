"""`loyalty secret-key`: the key that seals secrets."""

from api.cli.lines import say


def new_key() -> None:
    """Make a key that seals secrets. Whoever has it can read them: keep it where passwords are kept."""
    from streams.secrets import sealing
    from streams.settings import variable_name

    say(f"key  {sealing.new_key()}")
    say(f"Start the API and the sink with {variable_name('secret_key')} set to it. To change keys,")
    say("put the new one before the old one, with a comma between: the first seals, any opens.")
