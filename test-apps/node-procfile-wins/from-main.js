throw new Error('main is not asked');
