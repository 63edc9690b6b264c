-- The generic cell rate algorithm (gcra.rs) on the clock of the store.
-- KEYS[1]: the counter, its theoretical arrival time in seconds and nanoseconds, "1760000000.000123000".
-- ARGV: emission interval and burst tolerance in nanoseconds, both below 2^52, so that numbers stay whole.
-- Returns how far the theoretical arrival time was ahead of now; nothing is counted if that is too far.
local time = redis.call('TIME')
local seconds, nanos = tonumber(time[1]), tonumber(time[2]) * 1000
local interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2])

local ahead = 0
local counter = redis.call('GET', KEYS[1])
if counter then
  local whole, rest = string.match(counter, '^(%d+)%.(%d+)$')
  if whole then
    ahead = (tonumber(whole) - seconds) * 1e9 + tonumber(rest) - nanos
    ahead = math.max(0, math.min(ahead, tolerance + interval))
  end
end

if ahead <= tolerance then
  local next = ahead + interval
  local at = nanos + next
  local tat = string.format('%d.%09d', seconds + math.floor(at / 1e9), at % 1e9)
  redis.call('SET', KEYS[1], tat, 'PX', string.format('%d', math.ceil(next / 1e6)))
end
return ahead
