const express = require('express');
const next = require('next');

const app = next({ dev: false });

app.prepare().then(() => {
  const server = express();
  server.get('/health', (request, response) => response.send('ok'));
  server.use((request, response) => app.getRequestHandler()(request, response));
  server.listen(process.env.PORT || 5000);
});
