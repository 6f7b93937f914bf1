console.log('release of node-bare-procfile: nothing to migrate');
