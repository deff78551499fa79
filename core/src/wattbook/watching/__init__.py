"""Watch the machine itself: a live view of its power, and a service that keeps its book.

====================  =============================================================================
``machine``           the machine under watch: its plugins, its meters, the load of its processors
``frame``             what one look at it says: watts by domain, with basis
``timeline``          labels of time that never go back, whatever the clock does
``absence``           what happened while nobody watched: off, asleep, or wattbook not running
``lastseen``          the small file that remembers when the machine was seen last
``idle``              the rule by which a machine counts as idle
``recorder``          the service
====================  =============================================================================
"""
