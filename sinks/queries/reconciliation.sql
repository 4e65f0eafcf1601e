-- What: for each kiosk and day of submission, how many applications came to J-LIS, and how many have not been seen there
-- Parameter submitted String = application.submitted: the event that counts as handed in
-- Parameter received String = application.received: the event that counts as come
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: handed in at or after this instant
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: handed in before it
-- Column day: in Japan, of the first event of that kind
-- Column kiosk: where it was handed in
-- Column people: applications handed in
-- Column came: of them, those that came
-- Column missing: of them, those not seen there
-- Column longest_days: how long the longest of the missing has been gone; null if none is
-- Order: missing DESC, day, kiosk
SELECT
    toDate(submitted_at, 'Asia/Tokyo') AS day,
    kiosk,
    count() AS people,
    countIf(has_come) AS came,
    people - came AS missing,
    if(missing = 0, NULL, round(maxIf(dateDiff('second', submitted_at, (SELECT instant FROM read_to)), NOT has_come) / 86400, 1)) AS longest_days
FROM
(
    SELECT token,
           minIf(ifNull(time, received), type = {submitted:String}) AS submitted_at,
           argMinIf(kiosk, ifNull(time, received), type = {submitted:String}) AS kiosk,
           countIf(type = {received:String}) > 0 AS has_come
    FROM my_events
    WHERE type IN ({submitted:String}, {received:String})
    GROUP BY token
    HAVING countIf(type = {submitted:String}) > 0
)
WHERE submitted_at >= {from:DateTime64(6, 'UTC')} AND submitted_at < {to:DateTime64(6, 'UTC')}
GROUP BY day, kiosk
