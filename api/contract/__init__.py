"""What clients send and get, in the contract's names: fields, bodies, lists, revisions."""
