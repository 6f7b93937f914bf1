module.exports = { generateBuildId: () => 'bench' };
