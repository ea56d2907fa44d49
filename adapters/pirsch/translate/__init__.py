"""Queries as plans of calls to Pirsch, replies as answers. Pure: nothing here does I/O.

A read goes through these files in one direction: it is planned (1 to 4), asked (5), shown (6). Only where goals or
values have to be looked up first is it planned a second time, of what is known then.

1. `filters`     the query's filters as a `Selection` of visits (`selection`, `matching` know values)
2. `objections`  the fields its metrics need; why they can only be walked, or not be counted at all
3. `question`    which calls give the rows, what they leave out, what it costs
4. `plan`        all of it decided: a `Plan`, or its refusals. `draft` does so before anything is known of goals
5. `script`      looks up goals and values where the plan needs them, then asks what it says, by
                 `measure`, `listings` and `session_walk`
6. `rows`        tallies as rows of canonical metrics

`statistics` is the ground: calls, the days they are about, and scripts of them.
"""
