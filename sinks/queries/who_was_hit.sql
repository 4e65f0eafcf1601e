-- What: whom one cause has hit: the people whose applications were held, those of one kiosk in one stretch of time, by where they live
-- Parameter kiosk String: the kiosk
-- Parameter hop String = : only this hop; empty: all
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: those whose hop was left at or after this instant
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: and entered before this one
-- Column residence_municipality: where they live
-- Column own: 1: of the caller's municipalities
-- Column people: applications that were held beyond a limit; each stands in one row, so rows add up
-- Figure open: of them, held still
-- Figure first: when the first of them had entered the hop
-- Figure last: when the last of them went on; null while one is held
-- Figure longest_days: the longest
-- Order: people DESC, residence_municipality
SELECT
    residence_municipality,
    own,
    uniqExact(application) AS people,
    uniqExactIf(application, state = 'open') AS open,
    min(entered_at) AS first,
    if(countIf(state = 'open') > 0, NULL, max(left_at)) AS last,
    round(max(dateDiff('second', entered_at, left_at)) / 86400, 1) AS longest_days
FROM every_hop
WHERE kiosk = {kiosk:String} AND {hop:String} IN ('', hop)
  AND beyond AND left_at >= {from:DateTime64(6, 'UTC')} AND until_day >= toDate32({from:DateTime64(6, 'UTC')}) AND entered_at < {to:DateTime64(6, 'UTC')}
GROUP BY residence_municipality, own
