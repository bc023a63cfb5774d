"""Encryption of secrets, and of personal data with a key that an erasure deletes.

sealing           seals secrets before they are written to a topic
crypto_shredding  encrypts personal data in facts with its owner's key
"""
