-- What: for each day on which hops were entered: how many, how long they took, and how many were beyond a limit
-- Parameter hop String = : only this hop; empty: all
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: entered at or after this instant
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: entered before it
-- Column day: in Japan, on which the hop was entered
-- Column hop: the hop
-- Column vendor: whose kiosk it is
-- Column kiosk: the kiosk
-- Column kiosk_municipality: where it stands
-- Column residence_municipality: where the applicants live
-- Column entered: hops
-- Column ended: of them, those whose end was observed
-- Column open: of them, those that are open still
-- Column undetermined: of them, those whose end was not observed
-- Column beyond_limit: of them, those that were late, or are open beyond their first limit
-- Column median_h: half of those that have ended took no longer; `hop_times` counts in what is open still
-- Column p90_h: nine of ten of those that have ended
-- Order: day, hop, vendor, kiosk, residence_municipality
SELECT
    toDate(entered_at, 'Asia/Tokyo') AS day,
    hop,
    ifNull(toString(my_hops.vendor), '') AS vendor,
    ifNull(toString(my_hops.kiosk), '') AS kiosk,
    ifNull(toString(my_hops.kiosk_municipality), '') AS kiosk_municipality,
    ifNull(toString(my_hops.residence_municipality), '') AS residence_municipality,
    count() AS entered,
    countIf(state IN ('in_time', 'late')) AS ended,
    countIf(state = 'open') AS open,
    countIf(state = 'undetermined') AS undetermined,
    countIf(beyond) AS beyond_limit,
    if(ended = 0, NULL, round(quantileExactIf(0.5)(dateDiff('second', entered_at, left_at), state IN ('in_time', 'late')) / 3600, 2)) AS median_h,
    if(ended = 0, NULL, round(quantileExactIf(0.9)(dateDiff('second', entered_at, left_at), state IN ('in_time', 'late')) / 3600, 2)) AS p90_h
FROM my_hops
WHERE {hop:String} IN ('', hop) AND state != 'void' AND entered_at >= {from:DateTime64(6, 'UTC')} AND entered_at < {to:DateTime64(6, 'UTC')}
GROUP BY day, hop, vendor, kiosk, kiosk_municipality, residence_municipality
