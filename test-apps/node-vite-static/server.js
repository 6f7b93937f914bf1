import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

const types = { '.html': 'text/html', '.js': 'text/javascript' };

const server = http.createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  const file = path.join('dist', pathname === '/' ? 'index.html' : pathname);
  if (!fs.existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'Content-Type': types[path.extname(file)] ?? 'application/octet-stream' });
  fs.createReadStream(file).pipe(response);
});

server.listen(process.env.PORT || 5000);

// The app is the first process of its dyno: without a handler SIGTERM would do nothing.
process.on('SIGTERM', () => server.close(() => process.exit(0)));
