#!lua flags=no-writes
-- Reads records of a shard, and checks in the same instant that the log is still what was read before.
-- KEYS: meta, stream.
-- ARGV: identity, id before the first ('' from the beginning), id of the first, last id, room in bytes.
-- Replies 'ok', the number of the record before, and id, number, count, checksum, payload of each record;
-- or 'gone', and id and number of the first record there is.
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then
  return redis.error_reply('LOST another log is there')
end
local stream, before, at, stop, room = KEYS[2], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local reply = {'ok', ''}
if before ~= '' then
  local known = redis.call('XRANGE', stream, before, before)[1]
  if known then
    reply[2] = known[2][2]
  elseif not redis.call('XRANGE', stream, at, at)[1] then
    local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
    return first and {'gone', first[1], first[2][2]} or {'gone', '', ''}
  end
end
local bytes, taken, n = 0, 0, 1
while true do
  local batch = redis.call('XRANGE', stream, at, stop, 'COUNT', n)
  for _, entry in ipairs(batch) do
    local f = entry[2]
    local payload = f[8] or ''
    if taken > 0 and bytes + #payload > room then
      return reply
    end
    if #f ~= 8 or f[1] ~= 'n' or f[3] ~= 'c' or f[5] ~= 's' or f[7] ~= 'p' then
      f = {'', '', '', '', '', '', '', ''} -- no record of a log
    end
    local k = #reply
    reply[k + 1], reply[k + 2], reply[k + 3], reply[k + 4], reply[k + 5] = entry[1], f[2], f[4], f[6], f[8]
    bytes, taken = bytes + #payload, taken + 1
  end
  if #batch < n or bytes >= room then
    return reply
  end
  at = '(' .. batch[#batch][1]
  n = math.max(1, math.min(1000, math.floor((room - bytes) * taken / math.max(bytes, 1)), 2 * n))
end
