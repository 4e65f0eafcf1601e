-- What: for each kiosk and day of submission, how many applications came to J-LIS, and how many have not been seen there (yet)
-- Parameter submitted String = upload: the hop that begins when one is handed in
-- Parameter received String = screening: the hop that begins when it has come
-- Parameter within_h UInt32 = 24: hours within which it should have come
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: handed in at or after this instant
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: handed in before it
-- Column day: in Japan, of the first time it was handed in
-- Column kiosk: where it was handed in
-- Column people: applications handed in
-- Column came: of them, those that came
-- Column missing: of them, those not seen there: on their way, lost, or not read yet (`coverage`)
-- Column overdue: of the missing, those handed in more than `within_h` hours ago
-- Column longest_days: how long the longest of the missing has been gone; null if none is
-- Order: missing DESC, day, kiosk
SELECT
    toDate(submitted_at, 'Asia/Tokyo') AS day,
    kiosk,
    count() AS people,
    countIf(has_come) AS came,
    people - came AS missing,
    countIf(NOT has_come AND submitted_at < (SELECT instant FROM read_to) - toIntervalHour({within_h:UInt32})) AS overdue,
    if(missing = 0, NULL, round(maxIf(dateDiff('second', submitted_at, (SELECT instant FROM read_to)), NOT has_come) / 86400, 1)) AS longest_days
FROM
(
    SELECT application,
           minIf(entered_at, hop = {submitted:String} AND attempt = 1) AS submitted_at,
           any(my_hops.kiosk) AS kiosk,
           countIf(hop = {received:String}) > 0 AS has_come
    FROM my_hops
    WHERE hop IN ({submitted:String}, {received:String}) AND state != 'void' AND begun_at < {to:DateTime64(6, 'UTC')} AND entered_at >= {from:DateTime64(6, 'UTC')} - toIntervalDay(31)
    GROUP BY application
    HAVING countIf(hop = {submitted:String} AND attempt = 1) > 0
)
WHERE submitted_at >= {from:DateTime64(6, 'UTC')} AND submitted_at < {to:DateTime64(6, 'UTC')}
GROUP BY day, kiosk
