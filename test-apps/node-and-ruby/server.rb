require 'webrick'

server = WEBrick::HTTPServer.new(Port: Integer(ENV.fetch('PORT', '5000')), AccessLog: [])

server.mount_proc '/' do |_request, response|
  response['Content-Type'] = 'text/plain'
  response.body = "hello from node-and-ruby #{RUBY_VERSION}\n"
end

trap('TERM') { server.shutdown }
server.start
