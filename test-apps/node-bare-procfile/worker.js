console.log(`worker of node-bare-procfile ${process.version}, waiting`);
const timer = setInterval(() => console.log('worker is waiting'), 10_000);
process.on('SIGTERM', () => clearInterval(timer));
