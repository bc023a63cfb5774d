"""From a webhook event to its delivery: who wants it, in which form, when to try again. Pure."""
