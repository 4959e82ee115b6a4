-- Questions in PostgreSQL's words. Facts are looked for in the partition that the instance's key names.

-- name: facts
SELECT seq, at, data FROM procession_fact
WHERE tenant = $1 AND instance = $2 AND seq > $3 AND period = procession_period($2) ORDER BY seq;
-- name: facts_between
SELECT seq, at, data FROM procession_fact
WHERE tenant = $1 AND instance = $2 AND seq > $3 AND seq <= $4 AND period = procession_period($2) ORDER BY seq;
-- name: facts_page
SELECT seq, at, data FROM procession_fact
WHERE tenant = $1 AND instance = $2 AND seq > $3 AND period = procession_period($2) ORDER BY seq LIMIT $4;
-- name: fact_last
SELECT max(seq) FROM procession_fact WHERE tenant = $1 AND instance = $2 AND period = procession_period($2);
-- name: answered
SELECT a.tenant, a.key, a.digest, a.result FROM jsonb_array_elements($1::jsonb) AS asked(pair)
JOIN procession_answered a ON a.tenant = (pair->>0)::bigint AND a.key = pair->>1;
