-- What: who has what now, for how long, and who supervises it; hops whose end was not observed are not among it
-- Parameter hop String = : only this hop; empty: all
-- Parameter apart String = vendor: the role whose parties are told apart
-- Column holder: the role of who has the applications
-- Column party: which vendor, where vendors are told apart; else empty
-- Column supervisor: who supervises the holder; none is an answer
-- Column duty_basis: what obliges the holder: statute, contract or none
-- Column hop: the hop that is open
-- Column people: applications
-- Column beyond_limit: of them, how many have passed their first limit
-- Column median_days: half of them have been there for longer
-- Column longest_days: the one that has been there longest
-- Column since: when that one came
-- Order: beyond_limit DESC, people DESC, holder, party, hop
SELECT
    holder,
    if(holder = {apart:String}, ifNull(toString(vendor), ''), '') AS party,
    any(my_hops.supervisor) AS supervisor,
    any(my_hops.duty_basis) AS duty_basis,
    hop,
    uniqExact(application) AS people,
    uniqExactIf(application, beyond) AS beyond_limit,
    round(quantileExact(age_s) / 86400, 1) AS median_days,
    round(max(age_s) / 86400, 1) AS longest_days,
    min(entered_at) AS since
FROM (SELECT *, dateDiff('second', entered_at, left_at) AS age_s FROM my_hops WHERE state = 'open') AS my_hops
WHERE {hop:String} IN ('', hop)
GROUP BY holder, party, hop
