"""The past again: replays, backfills, and what was put aside, sent again once each."""
