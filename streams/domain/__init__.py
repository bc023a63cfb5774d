"""The rules of the loyalty programme, pure: from state and command to events, from state and event to state.

values            amounts, instants, profiles, items: what commands, events and state share
text              shows texts from outside safely
instants          parses instants and days, and limits them to plausible years
calendar          calendar arithmetic in a store's time zone
ids               derived ids, the same on every replay
identifiers       card numbers, phones and e-mails in one normal form
commands          what producers may request
messages          commands that owners send each other
events            facts: what happened
store             a store's settings
tier_set          settings of tiers
rules             settings of campaigns
state             a member's entries
event_context     the headers and ids of a decision's events
decide            from state and command to events
member            rules of accounts
codes             checks codes that were sent to a member
ledger            rules of units: earned in lots, spent, expired
transfers         rules for existing transfers: activation, cancellation, expiry, blocking
member_transfers  transfers of units between members
document          rules of transactions
returns           returns take back units of their purchase
return_recovery   the units that a return takes from a wallet
reward            rules of rewards
coupon            rules of coupons
tier              rules of tiers
lead_times        how many days before an end it is announced
campaign_triggers which facts trigger campaigns
conditions        evaluates campaign conditions
campaign          runs campaigns
evolve            from state and event to changed entries
timer_rules       which settings timers depend on
forecast          the future events of a member's timers
preview           a preview of expiry announcements
wallet_invariant  a wallet's lots and held units add up to its account
pii               the personal fields of facts
"""
