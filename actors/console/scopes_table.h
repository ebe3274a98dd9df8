/* scopes_table.h - what an API key may read: the one place. X(NAME, "word", bit, "sentence") */
X(MEMBERS, "members", 1, "Members and their timelines.")
X(JOBS, "jobs", 2, "Jobs and what fails.")
X(EVENTS, "events", 4, "Events with their payloads.")
X(ACCESS, "access", 8, "Who has access, and the keys of tokens.")
X(METRICS, "metrics", 16, "Metrics, as Prometheus reads them.")
