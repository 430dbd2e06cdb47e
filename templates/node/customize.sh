
# Node.js where its image has it, and its user.
for program in node npm npx; do ln -sf "/usr/bin/$program" "/usr/local/bin/$program"; done
mkdir -p /usr/local/lib/node_modules
id node >/dev/null 2>&1 || useradd --create-home --shell /bin/bash --uid 1000 --user-group node
rm -rf /root/.npm
