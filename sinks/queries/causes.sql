-- What: what was held beyond a limit, by cause: the applications of one kiosk in one hop
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: those whose hop was left at or after this instant
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: and entered before this one
-- Column hop: in which they were held
-- Column holder: the role of who had them
-- Column supervisor: who supervises the holder; none is an answer
-- Column duty_basis: what obliges the holder: statute, contract or none
-- Column vendor: whose kiosk it is
-- Column kiosk: the kiosk
-- Column people: applications
-- Column open: of them, held still
-- Column first: when the first of them had entered the hop
-- Column noticed: when the first limit of them had passed: when it could be known
-- Column last: when the last of them went on; null while one is held
-- Column longest_days: the longest
-- Column person_days: days, of all of them together
-- Order: person_days DESC, hop, kiosk
SELECT
    hop,
    holder,
    any(my_hops.supervisor) AS supervisor,
    any(my_hops.duty_basis) AS duty_basis,
    ifNull(toString(my_hops.vendor), '') AS vendor,
    ifNull(toString(my_hops.kiosk), '') AS kiosk,
    uniqExact(application) AS people,
    uniqExactIf(application, state = 'open') AS open,
    min(entered_at) AS first,
    min(due_at) AS noticed,
    if(open > 0, NULL, max(left_at)) AS last,
    round(max(dateDiff('second', entered_at, left_at)) / 86400, 1) AS longest_days,
    round(sum(dateDiff('second', entered_at, left_at)) / 86400, 1) AS person_days
FROM my_hops
WHERE beyond AND left_at >= {from:DateTime64(6, 'UTC')} AND until_day >= toDate32({from:DateTime64(6, 'UTC')}) AND entered_at < {to:DateTime64(6, 'UTC')}
GROUP BY hop, holder, vendor, kiosk
