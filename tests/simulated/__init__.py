"""The pipeline on a simulated cluster: a seed decides all that happens, and reproduces it to the step.

Time        hub: the clock and what is to happen when; hosts: machines with threads, to be killed and frozen
            loop: asyncio on that clock; locks: threads' tools on it
Cluster     log: a partition; brokers: leaders and elections; groups, coordinators: consumers and transactions
Clients     calls: what a call may meet on its way; consumer, producer, admin; errors: Kafka's own table
            cluster: all of it behind the port that the product uses
World       disk: what a process leaves; plan: what a seed draws; world: processes, and blows to them
            verdict: the crash harness's word on it; run: a seed from its plan to its report
"""
