"""Webhooks over HTTP: what is sent, where it may be sent, the sending itself, and a receiver to try it on.

cloud_events  the same as CloudEvents 1.0 (pure)
envelope    a delivery's body and headers (pure)
guard       which addresses may be dialled, checked on the very address that is dialled
sender      one POST and what came of it; never raises for somebody else's trouble
receiver    counts and shows what arrives; stands in for an endpoint in the demo and in tests
"""
