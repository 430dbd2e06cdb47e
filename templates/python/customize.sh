
# Python where its image has it. What pip installs goes to /usr/local, next to it.
ln -sf /usr/bin/python3 /usr/local/bin/python3
ln -sf /usr/bin/python3 /usr/local/bin/python
ln -sf /usr/bin/pip3 /usr/local/bin/pip3
ln -sf /usr/bin/pip3 /usr/local/bin/pip
version=$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
mkdir -p "/usr/local/lib/$version/dist-packages"
