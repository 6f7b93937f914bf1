throw new Error('the start script is not asked');
