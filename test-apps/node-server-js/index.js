throw new Error('this is not the web process');
