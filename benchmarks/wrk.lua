-- Sends the requests of a file in turn, for wrk, and prints what happened as one line of JSON.
local requests, position = {}, 0

function init(arguments)
   local file = assert(io.open(arguments[1], "rb"))
   local size = file:read("*n")
   while size do
      file:read(1)
      requests[#requests + 1] = file:read(size)
      size = file:read("*n")
   end
   file:close()
end

function request()
   position = position % #requests + 1
   return requests[position]
end

function done(summary, latency, _)
   local failed = summary.errors
   io.write(string.format(
      '\n{"answers":%d,"seconds":%f,"median_us":%f,"refused":%d,"broken":%d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50), failed.status,
      failed.connect + failed.read + failed.write + failed.timeout
   ))
end
