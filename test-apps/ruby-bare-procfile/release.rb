puts 'release of ruby-bare-procfile: nothing to migrate'
