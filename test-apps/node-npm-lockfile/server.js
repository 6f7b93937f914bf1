const express = require('express');

const app = express();
app.use(express.json());
app.get('/', (request, response) => {
  response.type('text').send(`hello from node-npm-lockfile ${process.version}\n`);
});
app.post('/items', (request, response) => {
  response.status(201).json({ created: request.body.name });
});

const server = app.listen(process.env.PORT || 5000);

// The app is the first process of its dyno: without a handler SIGTERM would do nothing.
process.on('SIGTERM', () => server.close(() => process.exit(0)));
