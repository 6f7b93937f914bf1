$stdout.sync = true
puts "worker of ruby-bare-procfile #{RUBY_VERSION}, waiting"
trap('TERM') { exit }
loop do
  sleep 10
  puts 'worker is waiting'
end
