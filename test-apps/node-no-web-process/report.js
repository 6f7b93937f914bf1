console.log(`report of node-no-web-process ${process.version}`);
