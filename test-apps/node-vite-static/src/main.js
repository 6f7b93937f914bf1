document.body.append(new Date().toISOString());
