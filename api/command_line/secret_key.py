"""`loyalty secret-key`: the key that seals secrets."""


def new_key() -> None:
    """Make a key that seals secrets. Whoever has it can read them: keep it where passwords are kept."""
    from streams import sealing
    from streams.settings import variable

    print(f"key  {sealing.new_key()}")
    print(f"Start the API and the sink with {variable('secret_key')} set to it. To change keys,")
    print("put the new one before the old one, with a comma between: the first seals, any opens.")
