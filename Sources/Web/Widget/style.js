// style.js
