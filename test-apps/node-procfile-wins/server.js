throw new Error('server.js is not asked');
