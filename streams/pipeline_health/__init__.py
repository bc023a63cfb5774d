"""The health of the whole pipeline, from samples taken every few seconds. Pure.

samples  measurements: records of each topic, backlog and processes of each stage
figures  computed from samples: rates, delays, records per minute
verdict  whether the pipeline is healthy, and what to do if not
"""
