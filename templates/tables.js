
// Sorts tables by their heads, and filters their rows. Everything is on the page without it.
(() => {
  const LEAST = 6;
  const make = (name, attributes, text) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  // A number as it is shown exactly: the title has all digits, where the cell has a unit.
  const value = (cell, numeric) => {
    const shown = cell.textContent.trim();
    if (!numeric) return shown;
    const exact = (cell.querySelector('[title]')?.title ?? shown).replace(/[^0-9.]/g, '');
    return exact === '' ? -1 : Number(exact) - (shown.startsWith('<') ? .01 : 0);
  };
  const order = new Intl.Collator('en', { numeric: true });
  document.querySelectorAll('table.rows').forEach(table => {
    const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
    if (rows.length < 2) return;
    heads.forEach((head, column) => {
      const numeric = head.classList.contains('number') || head.classList.contains('bar');
      const button = make('button', { type: 'button', class: 'sort' }, head.textContent);
      head.replaceChildren(button);
      button.addEventListener('click', () => {
        const before = head.getAttribute('aria-sort');
        const down = before ? before === 'ascending' : numeric;
        heads.forEach(other => other.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        const of = new Map(rows.map(row => [row, value(row.cells[column], numeric)]));
        const rise = (a, b) => numeric ? of.get(a) - of.get(b) : order.compare(of.get(a), of.get(b));
        body.append(...[...rows].sort((a, b) => down ? rise(b, a) : rise(a, b)));
      });
    });
    if (rows.length < LEAST) return;
    const label = make('label', { class: 'filter' }, 'Filter these rows ');
    const field = label.appendChild(make('input', { type: 'search', autocomplete: 'off', spellcheck: 'false' }));
    const said = label.appendChild(make('span', { role: 'status' }));
    const texts = new Map(rows.map(row => [row, row.textContent.toLowerCase()]));
    const filter = () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(word => word !== '');
      let shown = 0;
      for (const row of rows) {
        row.hidden = !words.every(word => texts.get(row).includes(word));
        if (!row.hidden) shown += 1;
      }
      said.textContent = words.length ? ` ${shown} of ${rows.length}` : '';
    };
    field.addEventListener('input', filter);
    field.addEventListener('keydown', event => {
      if (event.key !== 'Escape' || field.value === '') return;
      event.preventDefault();
      field.value = '';
      filter();
    });
    // A row that a link leads to is shown.
    window.addEventListener('hashchange', () => {
      const row = rows.find(row => `#${row.id}` === location.hash);
      if (!row?.hidden) return;
      field.value = '';
      filter();
      row.scrollIntoView();
    });
    const scroll = table.closest('.scroll');
    scroll.parentNode.insertBefore(label, scroll);
  });
})();
