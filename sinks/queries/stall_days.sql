-- What: for each day, what was said of stalls, by hop, holder and vendor
-- Parameter hop String = : only this hop; empty: all
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: said at or after this instant
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: said before it
-- Column day: in Japan, on which it was said
-- Column hop: in which applications were held
-- Column holder: the role of who had them
-- Column vendor: whose kiosk it is
-- Column raised: stalls of which it was first said that they are held
-- Column escalated: times that a further limit had passed
-- Column cleared: stalls that ended
-- Column recorded: stalls that were over when they became known
-- Column retracted: stalls of which it was taken back that they were held: they were in time, or it cannot be known
-- Order: day, hop, holder, vendor
SELECT
    toDate(at, 'Asia/Tokyo') AS day,
    hop,
    holder,
    ifNull(toString(my_transitions.vendor), '') AS vendor,
    countIf(kind = 'raised') AS raised,
    countIf(kind = 'escalated') AS escalated,
    countIf(kind = 'cleared') AS cleared,
    countIf(kind = 'recorded') AS recorded,
    countIf(kind = 'retracted') AS retracted
FROM my_transitions
WHERE {hop:String} IN ('', hop) AND at >= {from:DateTime64(6, 'UTC')} AND at < {to:DateTime64(6, 'UTC')}
GROUP BY day, hop, holder, vendor
