"""A new version of the state: built beside the running one, compared with it, put in its place.

rebuild_from_facts  makes a partition's tables from its facts
compare             which entries of two states differ
carry_over          what a new state takes over from the running one
changelog_writer    writes the new version's changelogs
build               the new version, partition by partition, until it is the same
group_takeover      keeps workers out of their group while versions change places
cutover             begins a build, makes it the present version, deletes old ones
"""
